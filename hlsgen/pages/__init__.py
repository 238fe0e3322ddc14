"""What people look at: the graph of a design as a picture, and one page that shows all that is known of it."""
