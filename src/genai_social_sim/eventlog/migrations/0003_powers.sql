-- Nothing changes but the words by which a file explains itself, which are written anew: for the event `exercised`.
SELECT 1;
