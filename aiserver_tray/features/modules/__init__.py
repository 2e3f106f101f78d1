"""Details of modules, their permissions, and folders with modules of the user."""
