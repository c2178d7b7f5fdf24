"""The provider `chainalysis`: the public sanctions API of Chainalysis."""
