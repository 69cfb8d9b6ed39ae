"""Commands that talk to the API as any client would."""
