"""What each section of an inspection says: numbers -> sentences, charts and tables; a module for each section."""
