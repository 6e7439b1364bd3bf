"""TOML as it is read: tables, values, and the shapes a value may have."""
