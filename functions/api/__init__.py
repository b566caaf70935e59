"""One function per route, in a folder per audience.

A function names the scope that its caller needs, the request and the answer. What happens in
between is in the layer.
"""
