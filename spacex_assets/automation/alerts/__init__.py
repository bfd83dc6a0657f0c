"""Who is told what is wrong: from facts to problems, incidents, notices and destinations; ``watch.py`` runs it all."""
