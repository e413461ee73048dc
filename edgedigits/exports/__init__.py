"""Exports: the engine of a build as other tools want it: a library, a component, a module, a package."""
