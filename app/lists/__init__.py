"""Lists of addresses: importing, checking and looking up what authorities and tag packs publish."""
