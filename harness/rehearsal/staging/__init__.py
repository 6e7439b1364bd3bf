"""The stage of a run: teardown, disks, the start of the system, traffic and the access log it is counted in."""
