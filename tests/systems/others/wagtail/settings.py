"""The site that `wagtail start` makes, on PostgreSQL."""

import os

from .base import *  # noqa: F403

SECRET_KEY = "of a drill"
ALLOWED_HOSTS = ["*"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "site", "USER": "site", "HOST": "127.0.0.1"}
}
MEDIA_ROOT = os.environ["DIR"] + "/media"
# Files as they are: no manifest of them was made.
_PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
if "STORAGES" in globals():
    STORAGES["staticfiles"] = {"BACKEND": _PLAIN}  # noqa: F405
else:
    STATICFILES_STORAGE = _PLAIN
