"""The provider `crystal`: the Expert API of Crystal."""
