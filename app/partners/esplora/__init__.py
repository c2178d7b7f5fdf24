"""The client of Esplora servers, and what several of them say together about the chain."""
