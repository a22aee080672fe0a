"""The safe expression language of `where=`."""
