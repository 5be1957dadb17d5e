// Of questions that are asked one after the other, only the answer to the newest counts, in whatever order answers come.

export class Newest {
  /** A question is asked; gives what tells whether it is still the newest one, to be asked again after each wait. */
  ask() {
    const own = (this.own = {});
    return () => this.own === own;
  }

  /** No answer counts that is on its way. */
  forget() {
    this.own = null;
  }
}
