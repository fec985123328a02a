"""Classical results that must come out: acceptance bands, how they are measured, and experiments of their own."""
