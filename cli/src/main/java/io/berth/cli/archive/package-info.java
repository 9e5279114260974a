/**
 * Tars on this side of the sockets: a file tree of the host's becomes a stream, and a stream of a
 * container's, which is not to be trusted, becomes files below one folder and nowhere else.
 */
@NullMarked
package io.berth.cli.archive;

import org.jspecify.annotations.NullMarked;
