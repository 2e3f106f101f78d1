""""""


# -- collecting the logs of all our containers into the log store ---------------------------------
