"""Reports: result.json first, and every other format rendered from it and the recording."""
