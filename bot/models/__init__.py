"""The models that decide what an agent does next, behind one small protocol."""
