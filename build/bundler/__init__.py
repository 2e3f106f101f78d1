"""The packages for users: a folder with the programs, and an installer for Windows."""
