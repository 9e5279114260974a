/**
 * What commands print: tables for people, JSON for programs, durations and sizes as docker writes
 * them.
 */
@NullMarked
package io.berth.cli.render;

import org.jspecify.annotations.NullMarked;
