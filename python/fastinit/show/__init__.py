"""How things are shown: tables as text and HTML, pictures by matplotlib and as SVG. Nothing here measures."""
