"""The explorer: a graph as a page that can be stepped, changed, checked and searched.

`explorer` is what users meet, and `live` its widget. `behind` is what they explore: `of_values` and
`of_programs` read it into the columns of a `tape`, and `groups` says what folds. `rules` writes the
table's rows in JavaScript, `payload` the tape as JSON, and `page` puts the `modules` in `js` and
all data into one file.
"""
