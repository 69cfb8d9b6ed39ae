"""The queue: Dramatiq broker and middleware, one actor per step, the clock that ticks them."""
