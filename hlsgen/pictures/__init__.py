"""Pictures of graphs: a layered layout, and SVG that needs no program to be made and none but a browser to be seen."""
