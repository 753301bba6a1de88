"""The explorer: a graph as a page that can be stepped, changed, checked and searched.

`explorer` is what users meet. `tape` reads what is to be shown into columns, `groups` says what
folds, `rules` writes the table's rows in JavaScript, and `page` puts the modules in `js` and all
data into one file.
"""
