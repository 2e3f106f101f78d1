#!/bin/sh
# Starts n8n with the given arguments, as the official image does.
exec n8n "$@"
