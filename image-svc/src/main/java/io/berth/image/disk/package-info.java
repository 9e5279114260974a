/**
 * Where the service keeps its files, and how they go.
 *
 * <pre>
 * ROOT/image.db                       metadata (SQLite)
 * ROOT/content/blobs/sha256/HEX       content, named by its digest, never changed
 * ROOT/content/ingest/N/data          content on its way in
 * ROOT/s/N/{fs,work}                  snapshots; short, for 128 of these paths must fit a page of mount options
 * ROOT/unpack/N                       layers being unpacked before their chain is known
 * ROOT/trash/N                        renamed here at once, deleted behind the answer
 * ROOT/volumes/NAME                   volumes
 * </pre>
 */
@NullMarked
package io.berth.image.disk;

import org.jspecify.annotations.NullMarked;
