"""The async shell around the kernel: asks, waits, retries, commits in logical order, resumes, replays."""
