"""The languages of reports: one TOML file each, with the same keys and the same placeholders."""
