"""What people read, in their language: catalogues, formats, labels. Who says what is said elsewhere."""
