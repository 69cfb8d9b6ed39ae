"""What a process is put together from: settings, logs, venues, hints, and its resources."""
