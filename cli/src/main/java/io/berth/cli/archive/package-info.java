/**
 * Tars on this side of the sockets. A file tree of this machine becomes a stream, and a stream from
 * a container, which is not to be trusted, becomes files below one folder and nowhere else.
 */
@NullMarked
package io.berth.cli.archive;

import org.jspecify.annotations.NullMarked;
