"""What `scenegrad new` writes: each scene in TOML and in Python; FILE and NAME become those of the file."""
