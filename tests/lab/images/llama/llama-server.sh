#!/bin/sh
exec python3 /app/router.py "$@"
