"""What feeds subscriptions: one hub a process, and what it hands to each stream."""
