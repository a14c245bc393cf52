"""What writes the generated pages and the pictures of the documentation, beside the documents themselves."""
