#!/bin/sh
# 20 of 20 replays of a recorded Linux are equal, on each engine; 60 bits flipped at random places of the log. About 25 minutes.
REPLAYS=${REPLAYS:-20} FLIPS=${FLIPS:-60} exec "$(dirname "$0")/test_replay.sh" "$@"
