/**
 * Files that other processes read at any moment: replaced as a whole, locked by folder; and folders
 * that are closed to others.
 */
@NullMarked
package io.berth.base.io;

import org.jspecify.annotations.NullMarked;
