#!/bin/sh
# 20 of 20 replays of a recorded Linux are equal, on each engine.
REPLAYS=20 exec "$(dirname "$0")/test_replay.sh" "$@"
