"""The features of the application, registered."""
