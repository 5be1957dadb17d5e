-- Nothing changes but the words by which a file explains itself, which are written anew: for ratings of lines.
SELECT 1;
