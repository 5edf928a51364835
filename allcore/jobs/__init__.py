"""When and where work runs: submission, the one runner, its slots and executors."""
