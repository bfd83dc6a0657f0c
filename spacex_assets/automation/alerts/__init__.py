"""Who is told that something is wrong: from facts to problems, incidents, notices and destinations; ``watch.py`` runs it."""
