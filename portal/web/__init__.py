"""The pages. `pages` puts all of them into an application; the language's ready views need few of these modules."""
