"""What the table of refiners needs: coarse maps of all kinds (`maps`), other refiners (`rivals`), scores (`tally`)."""
