"""The roof: reads the settings once, and wires the house by hand from what they say."""
