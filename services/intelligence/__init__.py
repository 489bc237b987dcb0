"""Intelligence: weather and incidents in, risks out."""
