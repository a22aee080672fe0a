"""Work queues: bounded, typed, in lanes, with a pool of workers."""
