"""The whole stack on one machine: embedded servers, and the supervisor above all."""
