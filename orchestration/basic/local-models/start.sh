#!/bin/sh
# Starts llama.cpp's server as a router: it loads the models of /models/models.ini when they are asked for, each in a process
# of its own. AI-Server Tray writes that file; a model is in it once its file is whole.
set -eu

mkdir -p /models/parts
[ -s /models/models.ini ] || echo 'version = 1' > /models/models.ini

threads=$LOCAL_MODELS_THREADS
if [ "$threads" = auto ]; then
    threads=$(($(nproc) - 1))
    [ "$threads" -gt 0 ] || threads=1
fi

# The port is given because the server's own default changes. Its cache of prompts takes 8 GiB by default.
exec /app/llama-server --host 0.0.0.0 --port 8080 --models-preset /models/models.ini --models-max 2 --cache-ram 512 \
    --threads "$threads" --ctx-size "$LOCAL_MODELS_CONTEXT" --sleep-idle-seconds "$LOCAL_MODELS_IDLE" --metrics
